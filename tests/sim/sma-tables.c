#include "tests/sim/sma.h"
enum sim_status sim_guid_info(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_pkey_table(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_slvl_table(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_vlarb_table(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_linear_table(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_random_table(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_multicast_table(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_ext_port_info(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
