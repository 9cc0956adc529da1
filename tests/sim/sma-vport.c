#include "tests/sim/sma.h"
enum sim_status sim_virtualization_info(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_vport_info(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_vnode_info(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_vport_state(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_vnode_description(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_vport_guid_info(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
enum sim_status sim_vport_pkey_table(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}
