/* SPDX-License-Identifier: MIT */
#include "fields.h"
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *or_dash(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "-";
}

const char *swiotlb_word(const struct xeniommu_info *info)
{
    return info->skip_swiotlb ? "skip" : "keep";
}

const char *group_text(const struct xeniommu_info *info, char text[16])
{
    if (info->group < 0)
        return "-";
    snprintf(text, 16, "%" PRId32, info->group);
    return text;
}

const char *limits_text(const struct device_details *details, char text[LIMIT_TOKEN_SIZE])
{
    const char *rest = details->limits;
    char token[LIMIT_TOKEN_SIZE], *end = text;

    *text = '\0';
    while (next_limit(&rest, token)) {
        if (end > text)
            *end++ = ',';
        end = stpcpy(end, token);
    }
    return or_dash(text);
}

bool has_limits(const struct device_details *details)
{
    const char *rest = details->limits;
    char token[LIMIT_TOKEN_SIZE];

    return next_limit(&rest, token);
}

bool owner_is_domain(const char *owner, int32_t *domid)
{
    size_t digits = strspn(owner, "0123456789");
    long value;

    if (digits == 0 || digits > 5 || owner[digits] != '\0')
        return false;
    value = strtol(owner, NULL, 10);
    if (value > DOMID_MAX)
        return false;
    *domid = (int32_t)value;
    return true;
}
