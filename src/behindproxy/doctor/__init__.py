"""`make doctor`: who can reach this service, who cannot, and why. It only reads.

gather.py collects facts, and is all that touches sockets, processes and Docker; the checks turn
facts into steps, of which some are findings: an id of findings.py and its fields; report.py prints
them.
"""
