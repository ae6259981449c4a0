/* port/clock.h - what port/host.c sets up in port/clock.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_CLOCK_H
#define ROOST_PORT_CLOCK_H

/* Decides what ticks are and takes the first reading of their rate. Once, before any thread reads
 * ticks. */
void roosti_clock_init(void);

#endif
