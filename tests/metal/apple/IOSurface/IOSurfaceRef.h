#pragma once
using IOSurfaceRef = struct IOSurface*;
