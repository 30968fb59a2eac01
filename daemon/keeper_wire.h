/* SPDX-License-Identifier: MIT */
/* XenStore's protocol (xen/io/xs_wire.h) for the keeper: no allocation, no thread, and no call
 * waits longer than it is told to. */
#ifndef XI_KEEPER_WIRE_H
#define XI_KEEPER_WIRE_H

#include <errno.h> /* xs_wire.h has a table of errors where it knows them */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

struct wire {
    const char *socket; /* xenstored's, or "" */
    const char *device; /* the kernel's way to it, where there is no socket */
    int fd;             /* -1: not connected */
    uint32_t id;        /* of the last request */
    uint32_t ping;      /* the request that wire_ping() waits for; 0: none */
    size_t have;        /* of the message that is being read */
    union {
        struct xsd_sockmsg head;
        char bytes[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
    } in;
};

/* Not yet connected. The paths must live as long as the wire. */
void wire_init(struct wire *wire, const char *socket, const char *device);

/* Connects, unless it is connected. 0; -EAGAIN: xenstored takes no more connections now; another
 * negative errno: it is not there. */
int wire_connect(struct wire *wire);
void wire_close(struct wire *wire);

/* Sends a request of body (its length in bytes; it may end in a NUL that counts) and waits for its
 * answer, milliseconds at most. The length of the answer, which wire_answer() gives until the next
 * call, ended by a NUL; or what xenstored says, as a negative errno. -ETIMEDOUT and -ENOTCONN are
 * the wire's own; after the latter it is closed. */
int wire_request(struct wire *wire, enum xsd_sockmsg_type type, uint32_t transaction,
                 const char *body, size_t length, int milliseconds);
const char *wire_answer(const struct wire *wire);

/* True: xenstored has answered since the last call that gave true, or that was the first after
 * wire_connect(). Does not wait; asks again when it was answered. */
bool wire_ping(struct wire *wire);

#endif
