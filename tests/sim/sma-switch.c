#include "tests/sim/sma.h"
enum sim_status sim_switch_info(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
