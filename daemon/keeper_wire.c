/* SPDX-License-Identifier: MIT */
#include "keeper_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void wire_init(struct wire *wire, const char *socket, const char *device)
{
    memset(wire, 0, sizeof(*wire));
    wire->socket = socket;
    wire->device = device;
    wire->fd = -1;
}

void wire_close(struct wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
    wire->have = 0;
    wire->ping = 0;
}

static int lose(struct wire *wire)
{
    wire_close(wire);
    return -ENOTCONN;
}

int wire_connect(struct wire *wire)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(wire->socket);
    int rc;

    if (wire->fd >= 0)
        return 0;
    if (length == 0 || access(wire->socket, F_OK)) {
        wire->fd = open(wire->device, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        return wire->fd < 0 ? -errno : 0;
    }
    if (length >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, wire->socket, length + 1);
    wire->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wire->fd < 0)
        return -errno;
    if (connect(wire->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    rc = -errno;
    wire_close(wire);
    return rc;
}

/* ------------------------------------------------------------- one message */

/* A short request fits, or xenstored has not read for long. */
static int send_request(struct wire *wire, enum xsd_sockmsg_type type, uint32_t transaction,
                        const char *body, size_t length)
{
    struct xsd_sockmsg head = {
        .type = type, .tx_id = transaction, .req_id = ++wire->id, .len = (uint32_t)length};
    struct iovec parts[] = {{&head, sizeof(head)}, {(void *)body, length}};
    ssize_t sent = writev(wire->fd, parts, 2);

    if (sent == (ssize_t)(sizeof(head) + length))
        return 0;
    if (sent < 0 && errno == EAGAIN)
        return -ETIMEDOUT;
    return lose(wire);
}

/* 1 when a whole message is there, 0 when not yet, or -ENOTCONN. */
static int take_bytes(struct wire *wire)
{
    size_t head = sizeof(wire->in.head);

    for (;;) {
        size_t want = wire->have < head ? head : head + wire->in.head.len;
        ssize_t got;

        if (wire->have >= head && wire->in.head.len > XENSTORE_PAYLOAD_MAX)
            return lose(wire);
        if (wire->have >= head && wire->have == want)
            return 1;
        got = read(wire->fd, wire->in.bytes + wire->have, want - wire->have);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (got <= 0)
            return lose(wire);
        wire->have += (size_t)got;
    }
}

static int meaning(struct wire *wire)
{
    size_t length = wire->in.head.len;
    char *text = wire->in.bytes + sizeof(wire->in.head);

    text[length] = '\0';
    if (wire->in.head.type != XS_ERROR)
        return (int)length;
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
        if (strcmp(text, xsd_errors[i].errstring) == 0)
            return -xsd_errors[i].errnum;
    return -EIO;
}

/* The answer to a request, if it is there: 1 and its meaning in *rc; what is behind its time is
 * dropped. 0: not yet; or -ENOTCONN. */
static int take_answer(struct wire *wire, uint32_t id, int *rc)
{
    for (;;) {
        int there = take_bytes(wire);

        if (there != 1)
            return there;
        wire->have = 0;
        if (wire->in.head.req_id == wire->ping)
            wire->ping = 0;
        if (wire->in.head.req_id != id || wire->in.head.type == XS_WATCH_EVENT)
            continue;
        *rc = meaning(wire);
        return 1;
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int wire_request(struct wire *wire, enum xsd_sockmsg_type type, uint32_t transaction,
                 const char *body, size_t length, int milliseconds)
{
    int64_t end = now_ms() + milliseconds;
    int rc = wire->fd < 0 ? -ENOTCONN : send_request(wire, type, transaction, body, length);
    int there = rc;

    while (there == 0) {
        struct pollfd answer = {.fd = wire->fd, .events = POLLIN};
        int64_t left = end - now_ms();

        there = take_answer(wire, wire->id, &rc);
        if (there == 0 && (left <= 0 || (poll(&answer, 1, (int)left) < 0 && errno != EINTR)))
            return -ETIMEDOUT;
    }
    return there < 0 ? there : rc;
}

const char *wire_answer(const struct wire *wire)
{
    return wire->in.bytes + sizeof(wire->in.head);
}

bool wire_ping(struct wire *wire)
{
    uint32_t ping = wire->ping;
    bool answered;
    int rc;

    if (wire_connect(wire) < 0)
        return false;
    answered = ping != 0 && take_answer(wire, ping, &rc) == 1;
    if (wire->fd >= 0 && wire->ping == 0 && send_request(wire, XS_READ, 0, "/", 2) == 0)
        wire->ping = wire->id;
    return answered;
}
