// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "publish/build.h"
#include "rows/sequence.h"

static void *build_one(void *arg)
{
	struct build_job *job = arg;

	if (job->err)
		return NULL;
	if (job->count && job->sequence)
		job->err = sequence_build(job->backends, job->count, job->row_count, job->rows);
	else if (job->count)
		job->err = maglev_build(job->backends, job->count, job->row_count, job->rows);
	else
		memset(job->rows, 0, job->row_count * sizeof(*job->rows));
	return NULL;
}

void build_run(struct build_job *jobs, size_t count)
{
	/* A thread is made in some 30 us, a table in some 1500: threads are not kept. */
	for (size_t i = 1; i < count; i++)
		jobs[i].started = jobs[i].count &&
				  !pthread_create(&jobs[i].thread, NULL, build_one, &jobs[i]);
	for (size_t i = 0; i < count; i++)
		if (!jobs[i].started)
			build_one(&jobs[i]);
	for (size_t i = 0; i < count; i++)
		if (jobs[i].started)
			pthread_join(jobs[i].thread, NULL);
}
