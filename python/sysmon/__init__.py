"""sysmon: watches Linux hosts, many of them, from one place.

    import sysmon

    print(sysmon.snapshot()["cpu.total_usage"])
    with sysmon.MetricsCollector(interval_s=1.0) as collector:
        ...
        for batch in collector.drain():
            print(batch.time_ms, len(batch))
"""
