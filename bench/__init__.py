"""What sysmon claims to be fast, measured: `make bench`, or `python -m bench [collect|agent|decode|ingest]`.

Every figure stands beside a floor or a peer of the same run, as a ratio: these machines are shared and drift.
"""
