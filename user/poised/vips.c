// SPDX-License-Identifier: BSD-2-Clause
/* One entry per address of a service, beside those of the services themselves (poise/abi.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static int addr_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

int vips_collect(struct run_service *const *services, size_t count, struct addr **out,
		 size_t *out_count)
{
	struct addr *vips = calloc(count + 1, sizeof(*vips));
	size_t distinct = 0;

	if (!vips)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		memcpy(vips[i].b, services[i]->key.addr, sizeof(vips[i].b));
	qsort(vips, count, sizeof(*vips), addr_compare);
	for (size_t i = 0; i < count; i++)
		if (!distinct || addr_compare(&vips[distinct - 1], &vips[i]))
			vips[distinct++] = vips[i];
	*out = vips;
	*out_count = distinct;
	return 0;
}

static struct service_key vip_key(const struct addr *vip)
{
	struct service_key key = { .port = 0 };

	memcpy(key.addr, vip->b, sizeof(key.addr));
	return key;
}

int vips_publish(struct reconcile *rec)
{
	const struct service value = { .flags = SERVICE_ADDRESS };
	struct service_key key;
	struct addr *vips;
	size_t count, i = 0, old = 0;
	int err = vips_collect(rec->services, rec->service_count, &vips, &count);

	if (err)
		return err;
	/* Both are sorted: walk them side by side. */
	while (i < count || old < rec->vip_count) {
		int order = i == count              ? 1
			    : old == rec->vip_count ? -1
						    : addr_compare(&vips[i], &rec->vips[old]);
		int failed = 0;

		if (order < 0) {
			key = vip_key(&vips[i]);
			failed = lb_service_set(rec->deps.lb, &key, &value);
		} else if (order > 0) {
			key = vip_key(&rec->vips[old]);
			failed = lb_service_del(rec->deps.lb, &key);
		}
		if (failed)
			err = failed;
		i += order <= 0;
		old += order >= 0;
	}
	free(rec->vips);
	rec->vips = vips;
	rec->vip_count = count;
	return err;
}
