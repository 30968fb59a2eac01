/* SPDX-License-Identifier: MIT */
#include "domains.h"
#include "command.h"
#include "fields.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct domain_name {
    int32_t domid;
    char *name;
};

void domain_names_init(struct domain_names *names, struct store *store)
{
    *names = (struct domain_names){.store = store};
}

/* The caller frees value->data, which is NULL where the domain has no name. */
static int read_name(struct store *store, const char *domain, struct store_value *value)
{
    char path[64];
    int rc;

    snprintf(path, sizeof(path), "/local/domain/%.16s/name", domain);
    rc = store_read(store, path, value);
    return rc == -ENOENT ? 0 : rc;
}

static int add_name(struct domain_names *names, int32_t domid, const char *text)
{
    struct domain_name *known = reallocarray(names->known, names->count + 1, sizeof(*names->known));
    char *name = text_line(text != NULL ? text : "");

    if (known != NULL)
        names->known = known;
    if (known == NULL || name == NULL) {
        free(name);
        return -ENOMEM;
    }
    known[names->count++] = (struct domain_name){.domid = domid, .name = name};
    return 0;
}

int domain_names_get(struct domain_names *names, const char *owner, const char **name)
{
    struct store_value value;
    int32_t domid;
    size_t i;
    int rc;

    *name = "";
    if (!owner_is_domain(owner, &domid))
        return 0;
    for (i = 0; i < names->count && names->known[i].domid != domid; i++)
        continue;
    if (i == names->count) {
        rc = read_name(names->store, owner, &value);
        if (rc == 0)
            rc = add_name(names, domid, value.data);
        free(value.data);
        if (rc != 0)
            return rc;
    }
    *name = names->known[i].name;
    return 0;
}

void domain_names_free(struct domain_names *names)
{
    size_t i;

    for (i = 0; i < names->count; i++)
        free(names->known[i].name);
    free(names->known);
    *names = (struct domain_names){0};
}

/* 0, -ENOTUNIQ, or an error of store_read(); one that went meanwhile has no name. */
static int match(struct store *store, const char *domain, const char *name, int32_t *domid)
{
    struct store_value value;
    int32_t found;
    int rc;

    if (!owner_is_domain(domain, &found))
        return 0;
    rc = read_name(store, domain, &value);
    if (rc == 0 && value.data != NULL && value.len == strlen(name) &&
        memcmp(value.data, name, value.len) == 0) {
        if (*domid >= 0)
            rc = -ENOTUNIQ;
        *domid = found;
    }
    free(value.data);
    return rc;
}

int domain_find(struct store *store, const char *name, int32_t *domid)
{
    char **domains;
    unsigned int count, i;
    int rc = store_list(store, "/local/domain", &domains, &count);

    *domid = -1;
    for (i = 0; rc == 0 && i < count; i++)
        rc = match(store, domains[i], name, domid);
    free(domains);
    if (rc == 0 && *domid < 0)
        rc = -ENOENT;
    return rc;
}

/* "-1" is more likely a number that is none than a name. */
bool domain_is_number(const char *text)
{
    return text[0] == '-' || text[strspn(text, "0123456789")] == '\0';
}

int domain_parse(struct store *store, const char *text, int32_t *domid)
{
    int rc;

    if (domain_is_number(text)) {
        if (owner_is_domain(text, domid))
            return 0;
        complain("\"%s\" is not a domain's number", text);
        return EXIT_USAGE;
    }
    rc = domain_find(store, text, domid);
    if (rc == 0 || rc == -ENOMEM || rc == -ENOTCONN)
        return rc;
    if (rc == -EACCES)
        complain("domain \"%s\": permission denied: only dom0 sees other domains", text);
    else if (rc == -ENOENT)
        complain("no domain is called \"%s\"", text);
    else if (rc == -ENOTUNIQ)
        complain("several domains are called \"%s\": say which by its number", text);
    else
        complain("domain \"%s\": more domains than this xenstored can list: give its number", text);
    return EXIT_FAILED;
}
