#pragma once
#include <objc/runtime.h>
extern "C" {
id objc_msgSend(id self, SEL selector, ...);
double objc_msgSend_fpret(id self, SEL selector, ...);
void objc_msgSend_stret(void* result, id self, SEL selector, ...);
}
