/* SPDX-License-Identifier: MIT */
#include "mux.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#define HEADER   sizeof(struct xsd_sockmsg)
#define BODY_MAX (XENSTORE_PAYLOAD_MAX + 16) /* with our part of a watch token */

struct mux_watch {
    struct mux_watch *next;
    char *path, *token;
};

struct mux_transaction {
    struct mux_transaction *next;
    uint32_t id;
};

struct mux_request {
    struct mux_request *next;
    struct xsd_sockmsg original; /* as the client sent it */
    uint32_t id, client;         /* client 0: our own */
    char *path, *token;          /* of a watch */
};

void mux_init(struct mux *mux)
{
    memset(mux, 0, sizeof(*mux));
    for (int i = 0; i < MUX_CLIENTS; i++)
        mux->clients[i].fd = -1;
    mux->next_client = mux->next_request = 1;
}

struct mux_client *mux_free_place(struct mux *mux)
{
    for (int i = 0; i < MUX_CLIENTS; i++)
        if (mux->clients[i].fd < 0)
            return &mux->clients[i];
    return NULL;
}

void mux_add_client(struct mux *mux, struct mux_client *client, int fd)
{
    client->fd = fd;
    client->id = mux->next_client++;
}

static struct mux_client *find_client(struct mux *mux, uint32_t id)
{
    for (int i = 0; id && i < MUX_CLIENTS; i++)
        if (mux->clients[i].fd >= 0 && mux->clients[i].id == id)
            return &mux->clients[i];
    return NULL;
}

/* --- requests --- */

static struct mux_request *send_request(struct mux *mux, uint32_t client,
                                        const struct xsd_sockmsg *original, const char *body,
                                        size_t length)
{
    struct mux_request *request = must_alloc(sizeof(*request)), **last = &mux->pending;
    struct xsd_sockmsg header = *original;

    request->original = *original;
    request->client = client;
    request->id = header.req_id = mux->next_request++;
    header.len = (uint32_t)length;
    while (*last)
        last = &(*last)->next;
    *last = request;
    buffer_add(&mux->requests, &header, HEADER);
    buffer_add(&mux->requests, body, length);
    return request;
}

/* The body of a watch request with our mark before the token: 0 when it does not fit. */
static size_t watch_body(char *body, const char *path, uint32_t client, const char *token)
{
    int length = snprintf(body, BODY_MAX, "%s%c%" PRIx32 ":%s", path, '\0', client, token);

    return length > 0 && length < XENSTORE_PAYLOAD_MAX ? (size_t)length + 1 : 0;
}

static void send_unwatch(struct mux *mux, uint32_t client, const char *path, const char *token)
{
    struct xsd_sockmsg header = {.type = XS_UNWATCH};
    char body[BODY_MAX];

    send_request(mux, 0, &header, body, watch_body(body, path, client, token));
}

static void send_abort(struct mux *mux, uint32_t transaction)
{
    struct xsd_sockmsg header = {.type = XS_TRANSACTION_END, .tx_id = transaction};

    send_request(mux, 0, &header, "F", 2);
}

static void answer_error(struct mux_client *client, const struct xsd_sockmsg *request,
                         const char *error)
{
    struct xsd_sockmsg header = *request;

    header.type = XS_ERROR;
    header.len = (uint32_t)strlen(error) + 1;
    buffer_add(&client->out, &header, HEADER);
    buffer_add(&client->out, error, header.len);
}

static void forward_watch(struct mux *mux, struct mux_client *client,
                          const struct xsd_sockmsg *header, const char *path)
{
    size_t path_length = strnlen(path, header->len);
    const char *token = path + path_length + 1;
    struct mux_request *request;
    char body[BODY_MAX];
    size_t length;

    if (path_length + 1 >= header->len || !memchr(token, '\0', header->len - path_length - 1)) {
        answer_error(client, header, "EINVAL");
        return;
    }
    length = watch_body(body, path, client->id, token);
    if (!length) {
        answer_error(client, header, "E2BIG");
        return;
    }
    request = send_request(mux, client->id, header, body, length);
    request->path = must_copy(path);
    request->token = must_copy(token);
}

static void client_gone(struct mux *mux, struct mux_client *client)
{
    struct mux_transaction *transaction;
    struct mux_watch *watch;

    close(client->fd);
    client->fd = -1;
    client->in.length = client->out.length = 0;
    while ((watch = client->watches)) {
        client->watches = watch->next;
        send_unwatch(mux, client->id, watch->path, watch->token);
        free(watch->path);
        free(watch->token);
        free(watch);
    }
    while ((transaction = client->transactions)) {
        client->transactions = transaction->next;
        send_abort(mux, transaction->id);
        free(transaction);
    }
}

/* Forwards the first message of client->in. Returns false when it is not whole yet. */
static bool forward_message(struct mux *mux, struct mux_client *client)
{
    struct xsd_sockmsg header;
    char body[XENSTORE_PAYLOAD_MAX];

    if (client->in.length < HEADER)
        return false;
    memcpy(&header, client->in.bytes, HEADER);
    if (header.len > XENSTORE_PAYLOAD_MAX) {
        client_gone(mux, client); /* xenstored would do so, too */
        return false;
    }
    if (client->in.length < HEADER + header.len)
        return false;
    memcpy(body, client->in.bytes + HEADER, header.len);
    buffer_drop(&client->in, HEADER + header.len);
    if (header.type == XS_WATCH || header.type == XS_UNWATCH)
        forward_watch(mux, client, &header, body);
    else
        send_request(mux, client->id, &header, body, header.len);
    return true;
}

void mux_client_readable(struct mux *mux, struct mux_client *client)
{
    char bytes[8192];
    ssize_t length = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        client_gone(mux, client);
        return;
    }
    buffer_add(&client->in, bytes, (size_t)length);
    while (forward_message(mux, client))
        ;
}

void mux_client_writable(struct mux *mux, struct mux_client *client)
{
    ssize_t length =
        send(client->fd, client->out.bytes, client->out.length, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (length > 0)
        buffer_drop(&client->out, (size_t)length);
    else if (length < 0 && errno != EAGAIN && errno != EINTR)
        client_gone(mux, client);
}

/* --- answers --- */

static void deliver_event(struct mux *mux, struct xsd_sockmsg *header, const char *path)
{
    size_t path_length = strnlen(path, header->len);
    const char *token = path + path_length + 1;
    struct mux_client *client;
    size_t token_length;
    char *end;

    if (path_length + 1 >= header->len)
        return;
    client = find_client(mux, (uint32_t)strtoul(token, &end, 16));
    if (!client || *end != ':')
        return;
    token_length = header->len - (size_t)(end + 1 - path);
    header->len = (uint32_t)(path_length + 1 + token_length);
    buffer_add(&client->out, header, HEADER);
    buffer_add(&client->out, path, path_length + 1);
    buffer_add(&client->out, end + 1, token_length);
}

static struct mux_request *take_request(struct mux *mux, uint32_t id)
{
    struct mux_request **place = &mux->pending, *request;

    while (*place && (*place)->id != id)
        place = &(*place)->next;
    request = *place;
    if (request)
        *place = request->next;
    return request;
}

static void note_watch(struct mux *mux, struct mux_client *client, struct mux_request *request)
{
    struct mux_watch *watch;

    if (!client) { /* it went before the answer came */
        send_unwatch(mux, request->client, request->path, request->token);
        return;
    }
    watch = must_alloc(sizeof(*watch));
    *watch = (struct mux_watch){client->watches, request->path, request->token};
    client->watches = watch;
    request->path = request->token = NULL;
}

static void forget_watch(struct mux_client *client, const struct mux_request *request)
{
    struct mux_watch **place = &client->watches, *watch;

    while ((watch = *place) &&
           (strcmp(watch->path, request->path) != 0 || strcmp(watch->token, request->token) != 0))
        place = &watch->next;
    if (!watch)
        return;
    *place = watch->next;
    free(watch->path);
    free(watch->token);
    free(watch);
}

static void note_transaction(struct mux *mux, struct mux_client *client, const char *body)
{
    uint32_t id = (uint32_t)strtoul(body, NULL, 10);
    struct mux_transaction *transaction;

    if (!client) {
        send_abort(mux, id);
        return;
    }
    transaction = must_alloc(sizeof(*transaction));
    *transaction = (struct mux_transaction){client->transactions, id};
    client->transactions = transaction;
}

static void forget_transaction(struct mux_client *client, uint32_t id)
{
    struct mux_transaction **place = &client->transactions, *transaction;

    while ((transaction = *place) && transaction->id != id)
        place = &transaction->next;
    if (!transaction)
        return;
    *place = transaction->next;
    free(transaction);
}

/* Keeps the books on what a client owns. */
static void note_answer(struct mux *mux, struct mux_client *client, struct mux_request *request,
                        const struct xsd_sockmsg *answer, const char *body)
{
    if (request->original.type == XS_TRANSACTION_END && client)
        forget_transaction(client, request->original.tx_id);
    if (answer->type != request->original.type || !request->client)
        return;
    if (answer->type == XS_WATCH)
        note_watch(mux, client, request);
    else if (answer->type == XS_UNWATCH && client)
        forget_watch(client, request);
    else if (answer->type == XS_TRANSACTION_START)
        note_transaction(mux, client, body);
}

static void deliver_answer(struct mux *mux, struct xsd_sockmsg *header, const char *body)
{
    struct mux_request *request = take_request(mux, header->req_id);
    struct mux_client *client;

    if (!request)
        errx(1, "an answer to the unknown request %" PRIu32, header->req_id);
    client = find_client(mux, request->client);
    note_answer(mux, client, request, header, body);
    if (client) {
        header->req_id = request->original.req_id;
        buffer_add(&client->out, header, HEADER);
        buffer_add(&client->out, body, header->len);
    }
    free(request->path);
    free(request->token);
    free(request);
}

void mux_deliver(struct mux *mux)
{
    char body[BODY_MAX + 1];
    struct xsd_sockmsg header;

    while (mux->answers.length >= HEADER) {
        memcpy(&header, mux->answers.bytes, HEADER);
        if (header.len > BODY_MAX)
            errx(1, "an answer of %" PRIu32 " bytes", header.len);
        if (mux->answers.length < HEADER + header.len)
            return;
        memcpy(body, mux->answers.bytes + HEADER, header.len);
        body[header.len] = '\0';
        buffer_drop(&mux->answers, HEADER + header.len);
        if (header.type == XS_WATCH_EVENT)
            deliver_event(mux, &header, body);
        else
            deliver_answer(mux, &header, body);
    }
}
