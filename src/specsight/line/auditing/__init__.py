"""What an auditor asks of a line's records: one part as a sheet, whether records are whole, how long they are kept.

`evidence`: everything known of one part. `sheet`, `pdf`: the same as a page and as a PDF. `checking`: trail, records
and pictures against their digests. `rejudging`: the kept version asked again. `retention`, `backup`.
"""
