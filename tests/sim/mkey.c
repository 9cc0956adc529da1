#include "tests/sim/mkey.h"
#include <stdlib.h>
bool sim_mkey_allows(struct sim_port *port, const struct sim_packet *packet)
{
	(void)port;
	(void)packet;
	return true;
}
ib_net64_t sim_mkey_shown(const struct sim_port *port, const struct sim_packet *packet)
{
	(void)packet;
	return port->info.m_key;
}
void sim_lease_free(struct sim_port *port)
{
	(void)port;
}
