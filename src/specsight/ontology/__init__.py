"""What is known of types of defect: a set's own name → canonical type → superclass, words, causes, consequences."""

from specsight.ontology.entries import Attributes, TypeEntry
from specsight.ontology.loading import load_ontology, read_ontology, save_ontology
from specsight.ontology.ontology import UNSPECIFIED, Ontology

__all__ = [
    "UNSPECIFIED",
    "Attributes",
    "Ontology",
    "TypeEntry",
    "load_ontology",
    "read_ontology",
    "save_ontology",
]
