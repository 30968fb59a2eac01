/* SPDX-License-Identifier: MIT */
#include "metrics_text.h"

static const char *suffix(enum metric_type type)
{
    return type == METRIC_COUNTER ? "_total" : "";
}

void metric_begin(const struct metrics_text *text, const char *name, enum metric_type type,
                  const char *help)
{
    const char *end = text->open ? "" : suffix(type);

    fprintf(text->stream, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, end, help, name, end,
            type == METRIC_COUNTER ? "counter" : "gauge");
}

void metric_put(const struct metrics_text *text, const char *name, enum metric_type type,
                const char *labels, double value)
{
    fprintf(text->stream, "%s%s%s%s%s %.15g\n", name, suffix(type), labels != NULL ? "{" : "",
            labels != NULL ? labels : "", labels != NULL ? "}" : "", value);
}

void metric_only(const struct metrics_text *text, const char *name, enum metric_type type,
                 const char *help, double value)
{
    metric_begin(text, name, type, help);
    metric_put(text, name, type, NULL, value);
}

void metrics_end(const struct metrics_text *text)
{
    if (text->open)
        fputs("# EOF\n", text->stream);
}
