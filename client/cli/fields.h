/* SPDX-License-Identifier: MIT */
/* What is published of a device, field by field, as text for people. */
#ifndef XI_CLIENT_CLI_FIELDS_H
#define XI_CLIENT_CLI_FIELDS_H

#include "explain_words.h"

/* "-" in place of an empty string, or of none. */
const char *or_dash(const char *text);

/* "skip" or "keep". */
const char *swiotlb_word(const struct xeniommu_info *info);

/* The group's number in text, or "-". */
const char *group_text(const struct xeniommu_info *info, char text[16]);

/* The limits as one word in text, separated by commas, or "-". */
const char *limits_text(const struct device_details *details, char text[LIMIT_TOKEN_SIZE]);

/* Whether any limit is published. */
bool has_limits(const struct device_details *details);

/* Whether the host's tree says that a domain has the device: its number. */
bool owner_is_domain(const char *owner, int32_t *domid);

#endif
