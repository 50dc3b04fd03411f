#include "shim.h"
#include "core/dprint.h"

int shim_log_enabled(int level)
{
	return get_debug_level(LOG_MNAME, LOG_MNAME_LEN) >= level;
}

void shim_log(int level, const char *location, const char *text, int length)
{
	LOG_FX(DEFAULT_FACILITY, level, NULL, location, NULL, "%.*s\n", length, text);
}
