ALTER TABLE `run` ADD `parent_run` text;--> statement-breakpoint
ALTER TABLE `run` ADD `parent` text;--> statement-breakpoint
CREATE INDEX `run_parent` ON `run` (`parent_run`) WHERE parent_run is not null;
