#include "tests/sim/shared-port.h"
void sim_shared_port_event(struct sim_port *port, enum sim_port_event event)
{
	(void)port;
	(void)event;
}
