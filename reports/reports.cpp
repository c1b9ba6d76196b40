// replaced by its folder
