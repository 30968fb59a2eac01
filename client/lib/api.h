/* SPDX-License-Identifier: MIT */
/* The public header, for the library itself: what it declares is what is exported. */
#ifndef XI_CLIENT_LIB_API_H
#define XI_CLIENT_LIB_API_H

#pragma GCC visibility push(default)
#include <xeniommu.h>
#pragma GCC visibility pop

#endif
