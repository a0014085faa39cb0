# Warnings and hardening, for our own targets only.
add_library(sysmon_options INTERFACE)
target_compile_options(
  sysmon_options
  INTERFACE -Wall
            -Wextra
            -Wconversion
            -Wshadow
            -Wnon-virtual-dtor
            -Wold-style-cast
            -Wcast-qual
            -Woverloaded-virtual
            -Wdouble-promotion
            -fvisibility=hidden
            -fstack-protector-strong
            -fstack-clash-protection)
# A jump lands only where one is meant to, as far as the processor checks; each has its own name for it.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(sysmon_options INTERFACE -fcf-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  target_compile_options(sysmon_options INTERFACE -mbranch-protection=standard)
endif()
target_link_options(sysmon_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -Wno-restrict: g++ 12 sees overlapping copies in `"literal" + std::string` (GCC bug 105651).
  target_compile_options(sysmon_options INTERFACE -ftrivial-auto-var-init=zero -Wno-restrict)
endif()
target_compile_definitions(sysmon_options INTERFACE _GLIBCXX_ASSERTIONS $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
if(SYSMON_WERROR)
  target_compile_options(sysmon_options INTERFACE -Werror)
endif()
if(SYSMON_SANITIZE)
  # Libraries too: a report from a half-instrumented program is a guess.
  add_compile_options(-fsanitize=${SYSMON_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SYSMON_SANITIZE})
endif()
