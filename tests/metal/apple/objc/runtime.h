// Stand-ins for Apple's headers: as much as metal-cpp needs to be type-checked on another system. Nothing is
// defined.
#pragma once

struct objc_object {
  void* isa;
};
struct objc_selector;
struct objc_class;
using id = objc_object*;
using SEL = objc_selector*;
using Class = objc_class*;
struct Protocol;
using IMP = id (*)(id, SEL, ...);

extern "C" {
SEL sel_registerName(const char* name);
id objc_lookUpClass(const char* name);
Protocol* objc_getProtocol(const char* name);
const char* object_getClassName(id object);
Class object_getClass(id object);
}
