/* SPDX-License-Identifier: MIT */
/* Samples in the text format of Prometheus, or in OpenMetrics'. */
#ifndef XI_CLIENT_CLI_METRICS_TEXT_H
#define XI_CLIENT_CLI_METRICS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct metrics_text {
    FILE *stream;
    bool open; /* OpenMetrics, in which a counter's own name is without "_total" */
};

enum metric_type { METRIC_GAUGE, METRIC_COUNTER };

/* Begins a metric; the name of a counter is given without "_total". */
void metric_begin(const struct metrics_text *text, const char *name, enum metric_type type,
                  const char *help);

/* A sample of it; labels: between braces, as 'state="protected"', or NULL. */
void metric_put(const struct metrics_text *text, const char *name, enum metric_type type,
                const char *labels, double value);

/* A metric with one sample and without labels. */
void metric_only(const struct metrics_text *text, const char *name, enum metric_type type,
                 const char *help, double value);

/* What ends the text. */
void metrics_end(const struct metrics_text *text);

#endif
