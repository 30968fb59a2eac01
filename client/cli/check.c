/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "verdict.h"

int command_check(const struct request *request)
{
    struct verdict verdict = {0};
    struct view view;
    int code, rc;

    rc = view_open(&view, request->domid);
    if (rc == 0)
        rc = verdict_make(&verdict, &view);
    if (rc == 0)
        rc = request->writer->check(&view, &verdict);
    code = rc != 0 ? view_complain(&view, rc) : verdict.count > 0 ? EXIT_NOT_PROTECTED : EXIT_FINE;
    verdict_free(&verdict);
    view_close(&view);
    return code;
}
