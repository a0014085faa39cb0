"""The systemd units that `sysmon agent service install` writes; @program@ is the executable."""
