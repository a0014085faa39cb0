"""python -m sysmon.docs"""

import sys

from sysmon.docs import main

sys.exit(main(sys.argv[1:]))
