/* port/sim_datagram.h - messages of the simulated port: datagrams, and descriptors passed over Unix
 * sockets.
 *
 * A datagram travels alone, with a latency of its own, so that it may overtake others; it is lost
 * with the chance of a segment, in a partition, and where its receiver has no room for it. A
 * descriptor that is passed travels as a parcel at the byte of the stream it was sent with.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_SIM_DATAGRAM_H
#define ROOST_PORT_SIM_DATAGRAM_H

#include "port/sim_impl.h"

enum {
    ROOSTI_SIM_DATAGRAM_MAX = 65507, /* bytes, then EMSGSIZE */
    ROOSTI_SIM_PARCEL_MAX = 16       /* descriptors sent at once, then ETOOMANYREFS */
};

struct roosti_sim_datagram {
    struct roosti_node node; /* in sim->flying, then in the receiver's */
    uint32_t place;          /* in the heap while it is under way */
    struct roosti_sim_addr from;
    struct roosti_sim_addr to;
    size_t len;
    unsigned char bytes[];
};

struct roosti_sim_parcel {
    struct roosti_node node; /* in its way's parcels, in the order of `at` */
    uint64_t at;             /* stream offset of the byte it came with */
    int count;
    struct roosti_sim_file *files[ROOSTI_SIM_PARCEL_MAX];
};

/* -- datagrams -------------------------------------------------------------------------------- */

int64_t roosti_sim_datagram_attempt(struct roosti_sim *sim, struct roosti_sim_file *file,
                                    struct roosti_op *op);
void roosti_sim_datagram_due(struct roosti_sim *sim, struct roosti_sim_datagram *datagram);
/* What has arrived at a socket that closes, and all that is still under way. */
void roosti_sim_datagram_close(struct roosti_sim_file *file);
void roosti_sim_datagram_fini(struct roosti_sim *sim);

/* -- passed descriptors ----------------------------------------------------------------------- */

/* Makes the parcel of a message: 0 with *parcel, NULL where it carries none; or a code. */
int roosti_sim_parcel_pack(struct roosti_sim *sim, const struct roosti_sim_file *file,
                           const struct msghdr *msg, struct roosti_sim_parcel **parcel);
void roosti_sim_parcel_drop(struct roosti_sim *sim, struct roosti_sim_parcel *parcel);
/* How many of the next len bytes can be read without passing by a parcel. */
size_t roosti_sim_parcel_limit(const struct roosti_sim_way *way, size_t len);
/* The reader takes len bytes: what came with them goes into msg, or is dropped without one. */
void roosti_sim_parcel_take(struct roosti_sim *sim, struct roosti_sim_way *way, size_t len,
                            struct msghdr *msg);
void roosti_sim_parcels_fini(struct roosti_sim *sim, struct roosti_sim_way *way);

/* -- calls ------------------------------------------------------------------------------------ */

int64_t roosti_sim_receive(struct roosti_port *port, int fd, struct msghdr *msg, int flags);

#endif
