#pragma once
using dispatch_data_t = struct dispatch_data*;
using dispatch_queue_t = struct dispatch_queue*;
