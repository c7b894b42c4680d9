/* How many connections wait for what is still under way of them: they hold memory and ports. Under the
 * network's lock. */
#ifndef STARDUST_NET_TIME_WAIT_H
#define STARDUST_NET_TIME_WAIT_H

/* Only the newest so many stay. */
void sd_net_time_waits_keep(unsigned most);

unsigned sd_net_time_waits_count(void);

/* Before one more connection: a bound for what they come to, looked after now and then. */
void sd_net_time_waits_bound(void);

#endif
