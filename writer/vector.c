/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * vector.c: arrays that grow.
 */
#include "parts.h"

#include <stdlib.h>

#define LEAST 1024

bool vector_reserve(struct vector *v, size_t entry_bytes, size_t count)
{
	void *list;
	size_t bytes;

	if (count <= v->capacity)
		return true;
	if (thaw_mul_overflows(count, entry_bytes, &bytes))
		return false;
	list = realloc(v->list, bytes);
	if (!list)
		return false;
	v->list = list;
	v->capacity = count;
	return true;
}

void *vector_add(struct vector *v, size_t entry_bytes)
{
	if (v->count == v->capacity &&
	    !vector_reserve(v, entry_bytes, v->capacity ? 2 * v->capacity : LEAST))
		return NULL;
	return (uint8_t *)v->list + v->count++ * entry_bytes;
}
