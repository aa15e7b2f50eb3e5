"""What is known of types of defect: a set's own name → canonical type → superclass, words, causes, consequences."""

from specsight.benchmark.ontology.entries import Attributes, TypeEntry
from specsight.benchmark.ontology.loading import load_ontology, read_ontology, save_ontology
from specsight.benchmark.ontology.ontology import UNSPECIFIED, Ontology

__all__ = [
    "UNSPECIFIED",
    "Attributes",
    "Ontology",
    "TypeEntry",
    "load_ontology",
    "read_ontology",
    "save_ontology",
]
