/* SPDX-License-Identifier: MIT */
/* Makes XenStore say what it should: the difference between what is published and what is wanted,
 * in one transaction a tree, and where that cannot be had and what stands claims more than is
 * wanted, by taking the tree back in another way. With place.c and downgrade.c, which it uses, the
 * only code that writes XenStore. */
#ifndef XI_PUBLISHER_H
#define XI_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "incarnation.h"
#include "keeper_page.h"

/* Stands for the host's tree, which no domain but dom0 may read. */
#define PUBLISHER_HOST UINT32_MAX

/* Stands for what the daemon's next run has to know, which is not taken back at the end. */
#define PUBLISHER_SEEN     (UINT32_MAX - 1)
#define PUBLISHER_SEEN_DIR "/tool/xen-iommu/seen"

/* Asks Xen for the UUID of the domain that has this number now: 0, -ESRCH when there is none, or
 * another negative errno. */
typedef int publisher_identify_fn(void *arg, uint32_t domid, uint8_t handle[16]);

struct publisher;

/* A publisher that writes through store, which must outlive it. 0 or -ENOMEM. */
int publisher_new(struct publisher **publisher, struct store *store);
void publisher_free(struct publisher *publisher); /* NULL is allowed */

/* Who is asked where XenStore does not tell whose home a number's is. Until it is set no claim is
 * published in such a home. */
void publisher_set_identify(struct publisher *publisher, publisher_identify_fn *fn, void *arg);

/* Where the publisher marks, before it writes, which trees hold something of ours: for who takes it
 * back when this process is gone. NULL, and before the first call: nowhere. */
void publisher_set_page(struct publisher *publisher, struct keeper_page *page);

/* Brings the tree of a domain (~/iommu) or of the host to what is wanted: sorted, without
 * "generation", which is the publisher's own and grows by one with each change. The first time a
 * tree is written whole. 1 when something was written, 0 when it was so already, or a negative
 * errno: -ENOENT when the domain has no home in XenStore (nothing is written then, so a removed
 * domain never comes back); -ESTALE when the number is another domain's by now, a witness says
 * something else, or the tree is not the one that was published, and then what is wanted has to be
 * found out anew; -EAGAIN when others interfered too often. After an error nothing stands that
 * claims more than what is wanted, unless publisher_overstates(). */
int publisher_publish(struct publisher *publisher, const struct incarnation *who,
                      const struct tree *wanted);

/* True while some tree claims more than was wanted of it last, and no way worked to take it back.
 */
bool publisher_overstates(const struct publisher *publisher);

/* True when a tree is written whole at the next publication: the first one, or after a failure. */
bool publisher_is_new(const struct publisher *publisher, uint32_t domid);

/* What is published at a path of a domain's tree, or NULL: nothing, or it is not known. Valid until
 * the tree's next publication. */
const char *publisher_told(const struct publisher *publisher, uint32_t domid, const char *path);

/* Takes from a tree what is not published yet: then its publication only weakens or removes. */
void publisher_cut(const struct publisher *publisher, uint32_t domid, struct tree *tree);

/* Looks whether a domain's tree is still the one that was published; when not, the next publication
 * writes it whole. For a home that may have been replaced. 0 or a negative errno. */
int publisher_verify(struct publisher *publisher, uint32_t domid);

/* The domain is gone, or may have been replaced: what was published there is not known. */
void publisher_forget(struct publisher *publisher, uint32_t domid);

/* The same for every tree: the store may be another one. */
void publisher_forget_all(struct publisher *publisher);

/* Where it writes: the caller's of publisher_new(). */
struct store *publisher_store(const struct publisher *publisher);

/* Sets status to this word and takes back every record, in each tree that exists. For a start, a
 * stop, and a crash. 0, or the first error after all were tried. */
int publisher_withdraw(struct publisher *publisher, const char *status);

/* The same in one tree, if it exists. Where the transaction cannot be had the whole tree goes,
 * status and all. 0 or a negative errno. */
int publisher_withdraw_from(struct publisher *publisher, uint32_t domid, const char *status);

#endif
