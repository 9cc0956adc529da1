#include "tests/sim/agent.h"
enum sim_outcome sim_pma(struct sim_port *at, struct sim_packet *p)
{
	(void)at;
	(void)p;
	return SIM_SILENCE;
}
