// SPDX-License-Identifier: BSD-2-Clause
/* Looks at what packets meet while a service changes its mode, after every single store. */
#include "fixtures/nat_box.h"

#include "fixtures/caught.h"

#define BACKENDS 3
#define OTHERS   10 /* services that are added in the same change */

/* Stores after which a packet is dropped, or what answers it is not translated. */
static struct lost {
	unsigned int packets, replies;
} lost;

static const char three[] = "'10.0.0.11:8001', '10.0.0.12:8001', '10.0.0.13:8001'";

static bool is_lost(const struct fake_entry *entry, const struct target *target)
{
	bool by_nat = entry->value.flags & SERVICE_NAT;

	return by_nat != (target->mode == MODE_NAT) || target->mode == MODE_LOCAL;
}

static void look(void)
{
	bool packets = false, replies = false;

	for (size_t i = 0; i < FAKE_ENTRIES; i++) {
		const struct fake_entry *entry = &kernel.entries[i];
		const struct fake_table *table = &kernel.tables[entry->value.number];

		if (!entry_is_service(entry))
			continue;
		for (__u32 row = 0; row < table->count; row++) {
			const struct target *target =
				&kernel.targets[table->rows[row].current_target];

			if (target == &kernel.targets[0])
				continue;
			packets |= is_lost(entry, target);
			replies |= target->mode == MODE_NAT_KEEP && !kernel.switches.nat_keep;
		}
	}
	lost.packets += packets;
	lost.replies += replies;
}

/* "web" in a mode, and so many services more. */
static void change(const char *mode, unsigned int others)
{
	char text[4096], *at = text, *end = text + sizeof(text);

	at += snprintf(at, end - at,
		       "{'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', %s"
		       " 'rows': 251, 'backends': [%s]}",
		       mode, three);
	for (unsigned int i = 0; i < others; i++)
		at += snprintf(at, end - at,
			       ", {'name': 's%u', 'listen': '192.0.2.20:%u/tcp', 'mode': 'ipip',"
			       " 'rows': 251, 'backends': ['10.0.1.1']}",
			       i, i + 1);
	snprintf(at, end - at, "]}");
	assert_int_equal(apply(text), 0);
}

static void hops_ready(void)
{
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	hop_ready("10.0.0.13");
}

static int box_setup(void **state)
{
	memset(&host, 0, sizeof(host));
	memset(&lost, 0, sizeof(lost));
	host.listening[8001] = LOCAL_FOUND;
	return setup(state);
}

static int box_teardown(void **state)
{
	after_store = NULL;
	return teardown(state);
}

static void change_watched(const char *mode)
{
	after_store = look;
	change(mode, OTHERS);
	after_store = NULL;
}

/* All that is between the two are the stores of its own entry and targets. */
static void targets_change_with_their_entry(void **state)
{
	static const char *const modes[] = { NAT,  "'mode': 'l2',",   NAT,  "'mode': 'ipip',",
					     KEEP, "'mode': 'gue',",  KEEP, NAT,
					     KEEP, "'mode': 'local'," };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		const struct live_service *web;

		if (!i)
			change(modes[i], 0);
		else
			change_watched(modes[i]);
		if (!i)
			hops_ready();
		turn();
		web = service_find(model, "web");
		for (size_t j = 0; j < BACKENDS; j++)
			assert_int_equal(kernel.targets[web->backends[j]->target].mode,
					 web->delivery.mode);
		change(modes[i], 0);
		if (lost.packets > BACKENDS + 1 || lost.replies)
			fail_msg("%s: packets are lost after %u stores, answers after %u", modes[i],
				 lost.packets, lost.replies);
		lost = (struct lost){ 0 };
	}
}

/* A next hop of the mode before says nothing about this mode. */
static void nothing_is_said_before_it_is_known(void **state)
{
	const struct live_service *web;
	struct caught caught;
	char words[4096];

	(void)state;
	change("'mode': 'l2',", 0);
	hops_ready();
	caught_begin(&caught);
	change("'mode': 'local',", 0);
	change("'mode': 'l2',", 0);
	caught_end(&caught, words, sizeof(words));
	assert_null(strstr(words, "cannot be reached"));
	web = service_find(model, "web");
	assert_int_equal(kernel.targets[web->backends[0]->target].mode, MODE_LOCAL);
	hops_ready();
	assert_int_equal(kernel.targets[web->backends[0]->target].mode, MODE_L2);
	assert_true(rows_of("web", "10.0.0.11:8001"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(targets_change_with_their_entry, box_setup,
						box_teardown),
		cmocka_unit_test_setup_teardown(nothing_is_said_before_it_is_known, box_setup,
						box_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
