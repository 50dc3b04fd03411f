#include "shim.h"
#include "core/ver_defs.h"

const char shim_module_version[] = SER_FULL_VERSION;
const char shim_module_flags[] = SER_COMPILE_FLAGS;
