// The collectors of rare readings over whole trees of tests/fixtures/proc: everything they say, written down.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "core/collectors/all.hpp"
#include "slow_readings.hpp"

using namespace sysmon;

namespace {

// A line a reading, in the order of gathering.
std::string gathered(const CollectorInfo& info, std::string_view tree) {
  const ProcRoot root(std::string(SYSMON_FIXTURES) + "/" + std::string(tree));
  KernelFiles files(root);
  const auto collector = info.make_slow({files, root, {}, {}});
  std::string text;
  for (const std::string& line : readings_of(*collector).lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("disk over the laptop: subvolumes once, a removable disk, a mount of another user") {
  CHECK(gathered(kDiskCollector, "laptop") ==
        "disk.total_bytes{/run,tmpfs,tmpfs} 1638400000\n"
        "disk.used_bytes{/run,tmpfs,tmpfs} 4096000\n"
        "disk.free_bytes{/run,tmpfs,tmpfs} 1634304000\n"
        "disk.available_bytes{/run,tmpfs,tmpfs} 1634304000\n"
        "disk.usage_percent{/run,tmpfs,tmpfs} 0.25\n"
        "disk.inodes_total{/run,tmpfs,tmpfs} 1987500\n"
        "disk.inodes_used{/run,tmpfs,tmpfs} 1500\n"
        "disk.inodes_usage_percent{/run,tmpfs,tmpfs} 0.080000000000000002\n"
        "disk.readonly{/run,tmpfs,tmpfs} 0\n"
        "disk.total_bytes{/,mapper/nvme0n1p3_crypt,btrfs} 507904000000\n"
        "disk.used_bytes{/,mapper/nvme0n1p3_crypt,btrfs} 253952000000\n"
        "disk.free_bytes{/,mapper/nvme0n1p3_crypt,btrfs} 253952000000\n"
        "disk.available_bytes{/,mapper/nvme0n1p3_crypt,btrfs} 249856000000\n"
        "disk.usage_percent{/,mapper/nvme0n1p3_crypt,btrfs} 50.409999999999997\n"
        "disk.readonly{/,mapper/nvme0n1p3_crypt,btrfs} 0\n"
        "disk.total_bytes{/dev/shm,tmpfs,tmpfs} 8140800000\n"
        "disk.used_bytes{/dev/shm,tmpfs,tmpfs} 30720000\n"
        "disk.free_bytes{/dev/shm,tmpfs,tmpfs} 8110080000\n"
        "disk.available_bytes{/dev/shm,tmpfs,tmpfs} 8110080000\n"
        "disk.usage_percent{/dev/shm,tmpfs,tmpfs} 0.38\n"
        "disk.inodes_total{/dev/shm,tmpfs,tmpfs} 1987500\n"
        "disk.inodes_used{/dev/shm,tmpfs,tmpfs} 100\n"
        "disk.inodes_usage_percent{/dev/shm,tmpfs,tmpfs} 0.01\n"
        "disk.readonly{/dev/shm,tmpfs,tmpfs} 0\n"
        "disk.total_bytes{/boot/efi,nvme0n1p1,vfat} 535814144\n"
        "disk.used_bytes{/boot/efi,nvme0n1p1,vfat} 13574144\n"
        "disk.free_bytes{/boot/efi,nvme0n1p1,vfat} 522240000\n"
        "disk.available_bytes{/boot/efi,nvme0n1p1,vfat} 522240000\n"
        "disk.usage_percent{/boot/efi,nvme0n1p1,vfat} 2.5299999999999998\n"
        "disk.readonly{/boot/efi,nvme0n1p1,vfat} 0\n"
        "disk.total_bytes{/media/user/USB Übung,sda1,exfat} 31981568000\n"
        "disk.used_bytes{/media/user/USB Übung,sda1,exfat} 15990784000\n"
        "disk.free_bytes{/media/user/USB Übung,sda1,exfat} 15990784000\n"
        "disk.available_bytes{/media/user/USB Übung,sda1,exfat} 15990784000\n"
        "disk.usage_percent{/media/user/USB Übung,sda1,exfat} 50\n"
        "disk.readonly{/media/user/USB Übung,sda1,exfat} 0\n"
        "disk.error{/home/user/remote,user@server:,fuse.sshfs,permission} 1\n");
}

TEST_CASE("disk over the RAID host: root read-only after an error, a bind mount once, a stale server") {
  CHECK(gathered(kDiskCollector, "raid") ==
        "disk.total_bytes{/,md1,ext4} 16629760000\n"
        "disk.used_bytes{/,md1,ext4} 13303808000\n"
        "disk.free_bytes{/,md1,ext4} 3325952000\n"
        "disk.available_bytes{/,md1,ext4} 2457600000\n"
        "disk.usage_percent{/,md1,ext4} 84.409999999999997\n"
        "disk.inodes_total{/,md1,ext4} 1048576\n"
        "disk.inodes_used{/,md1,ext4} 148576\n"
        "disk.inodes_usage_percent{/,md1,ext4} 14.17\n"
        "disk.readonly{/,md1,ext4} 1\n"
        "disk.total_bytes{/srv,md2,xfs} 15966208000000\n"
        "disk.used_bytes{/srv,md2,xfs} 14369587200000\n"
        "disk.free_bytes{/srv,md2,xfs} 1596620800000\n"
        "disk.available_bytes{/srv,md2,xfs} 1596620800000\n"
        "disk.usage_percent{/srv,md2,xfs} 90\n"
        "disk.inodes_total{/srv,md2,xfs} 780000000\n"
        "disk.inodes_used{/srv,md2,xfs} 1000000\n"
        "disk.inodes_usage_percent{/srv,md2,xfs} 0.13\n"
        "disk.readonly{/srv,md2,xfs} 0\n"
        "disk.error{/mnt/backup,192.0.2.1:/backup,nfs4,io} 1\n");
}

TEST_CASE("process counts over the laptop") {
  CHECK(gathered(kProcessCollector, "laptop") ==
        "process.count{running} 1\n"
        "process.count{sleeping} 4\n"
        "process.count{disk_sleep} 0\n"
        "process.count{stopped} 0\n"
        "process.count{zombie} 1\n"
        "process.count{idle} 1\n"
        "process.threads 44\n"
        "process.pid_limit 4194304\n"
        "process.thread_limit 127000\n");
}

TEST_CASE("systemd over the laptop") {
  CHECK(gathered(kSystemdCollector, "laptop") ==
        "systemd.unit_active{cron.service} 1\n"
        "systemd.unit_active{cups.service} 1\n"
        "systemd.unit_active{dbus.service} 1\n"
        "systemd.unit_active{fwupd-refresh.service} 0\n"
        "systemd.unit_active{lightdm.service} 1\n"
        "systemd.units{active} 10\n"
        "systemd.units{reloading} 0\n"
        "systemd.units{inactive} 2\n"
        "systemd.units{failed} 1\n"
        "systemd.units{activating} 0\n"
        "systemd.units{deactivating} 0\n");
}

TEST_CASE("raid over the RAID host") {
  CHECK(gathered(kRaidCollector, "raid") ==
        "raid.degraded{md2} 1\n"
        "raid.disks{md2,active} 5\n"
        "raid.disks{md2,missing} 1\n"
        "raid.disks{md2,failed} 1\n"
        "raid.disks{md2,spare} 0\n"
        "raid.sync_percent{md2} 8.4000000000000004\n"
        "raid.degraded{md1} 0\n"
        "raid.disks{md1,active} 2\n"
        "raid.disks{md1,missing} 0\n"
        "raid.disks{md1,failed} 0\n"
        "raid.disks{md1,spare} 0\n"
        "raid.degraded{md0} 0\n"
        "raid.disks{md0,active} 2\n"
        "raid.disks{md0,missing} 0\n"
        "raid.disks{md0,failed} 0\n"
        "raid.disks{md0,spare} 1\n"
        "raid.degraded{md9} 1\n"
        "raid.disks{md9,active} 0\n"
        "raid.disks{md9,failed} 0\n"
        "raid.disks{md9,spare} 1\n");
}

TEST_CASE("sensors of the laptop") {
  CHECK(gathered(kSensorCollector, "laptop") ==
        "sensor.temperature_celsius{acpitz-ACPI0003:00,temp1} 47\n"
        "sensor.temperature_critical_celsius{acpitz-ACPI0003:00,temp1} 128\n"
        "sensor.temperature_celsius{nvme0,Composite} 38.850000000000001\n"
        "sensor.temperature_critical_celsius{nvme0,Composite} 84.849999999999994\n"
        "sensor.temperature_celsius{nvme0,Sensor 1} 38.850000000000001\n"
        "sensor.temperature_celsius{coretemp.0,Package id 0} 52\n"
        "sensor.temperature_critical_celsius{coretemp.0,Package id 0} 100\n"
        "sensor.temperature_celsius{coretemp.0,Core 0} 51\n"
        "sensor.temperature_critical_celsius{coretemp.0,Core 0} 100\n"
        "sensor.temperature_celsius{coretemp.0,Core 1} 52\n"
        "sensor.temperature_critical_celsius{coretemp.0,Core 1} 100\n"
        "sensor.fan_rpm{thinkpad_hwmon,fan1} 2450\n"
        "sensor.temperature_celsius{thinkpad_hwmon,temp1} 52\n"
        "sensor.voltage_volts{BAT0,in0} 12.449999999999999\n"
        "sensor.energy_joules{intel-rapl,package-0} 48211.007812999997\n"
        "sensor.energy_joules{intel-rapl,package-0-core} 21100.781299999999\n");
}

TEST_CASE("sensors of the RAID host: two chips of one driver, a sensor that is not connected") {
  CHECK(gathered(kSensorCollector, "raid") ==
        "sensor.temperature_celsius{jc42-0-0018,temp1} 33.5\n"
        "sensor.temperature_critical_celsius{jc42-0-0018,temp1} 95\n"
        "sensor.temperature_celsius{jc42-0-0019,temp1} 34.25\n"
        "sensor.temperature_critical_celsius{jc42-0-0019,temp1} 95\n"
        "sensor.fan_rpm{nct6776-nct6775.656,fan1} 0\n"
        "sensor.fan_rpm{nct6776-nct6775.656,fan2} 1180\n"
        "sensor.voltage_volts{nct6776-nct6775.656,Vcore} 0.88\n"
        "sensor.voltage_volts{nct6776-nct6775.656,in2} 3.3599999999999999\n"
        "sensor.temperature_celsius{nct6776-nct6775.656,CPUTIN} 41.5\n"
        "sensor.power_watts{power_meter-acpi-0,power1} 184\n");
}

TEST_CASE("the laptop's battery, and not its mouse's") {
  CHECK(gathered(kBatteryCollector, "laptop") ==
        "battery.charge_percent{BAT0} 62.5\n"
        "battery.power_watts{BAT0} 7.4199999999999999\n"
        "battery.charging{BAT0} 0\n");
}

TEST_CASE("what a tree does not have is not found, and nothing else") {
  const ProcRoot root(std::string(SYSMON_FIXTURES) + "/container");
  KernelFiles files(root);
  for (const CollectorInfo* info :
       {&kRaidCollector, &kSensorCollector, &kBatteryCollector, &kSystemdCollector}) {
    const auto result = readings_of(*info->make_slow({files, root, {}, {}})).result;
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == Error::Kind::not_found);
  }
}
