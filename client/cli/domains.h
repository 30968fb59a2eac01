/* SPDX-License-Identifier: MIT */
/* What the toolstack calls the domains: /local/domain/N/name. */
#ifndef XI_CLIENT_CLI_DOMAINS_H
#define XI_CLIENT_CLI_DOMAINS_H

#include "store.h"

/* Names that were read already: each domain's is read once. */
struct domain_names {
    struct store *store;
    struct domain_name *known;
    size_t count;
};

/* Prepares the look-up; the store belongs to the caller. */
void domain_names_init(struct domain_names *names, struct store *store);

/* The name of the domain that owner, a word of the host's tree, stands for, as text_line()
 * writes it; it belongs to names. "" where that is no domain, or has no name. 0 or an error of
 * store_read(). */
int domain_names_get(struct domain_names *names, const char *owner, const char **name);

void domain_names_free(struct domain_names *names);

/* The number of the one domain that the toolstack calls so, in dom0. 0; -ENOENT: there is none;
 * -ENOTUNIQ: there are several; or an error of store_list(). */
int domain_find(struct store *store, const char *name, int32_t *domid);

/* Whether people mean a number, though perhaps none that a domain can have, and not a name. */
bool domain_is_number(const char *text);

/* The domain that people mean; the store, which may be NULL for a number, is asked about names. 0,
 * an exit code with a complaint, or a negative errno. */
int domain_parse(struct store *store, const char *text, int32_t *domid);

#endif
