"""The report: one HTML file that shows a bundle's figures to people, with the same figures as JSON inside.

It needs no network, no script and no other file. What is on the page is read out of the document that it embeds.
"""

from edgepack.report.difference import BundleDifference
from edgepack.report.figures import Signature, figures
from edgepack.report.page import to_html
from edgepack.report.program import PROGRAM, program_document, read_program

__all__ = [
    "PROGRAM",
    "BundleDifference",
    "Signature",
    "figures",
    "program_document",
    "read_program",
    "to_html",
]
