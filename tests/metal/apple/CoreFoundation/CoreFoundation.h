#pragma once
extern "C" {
using CFTypeRef = const void*;
using CFTimeInterval = double;
CFTypeRef CFRetain(CFTypeRef object);
void CFRelease(CFTypeRef object);
}
