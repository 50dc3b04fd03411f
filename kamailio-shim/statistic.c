#include "shim.h"

void shim_statistic_add(void *statistic, int amount)
{
	update_stat(statistic, amount);
}
