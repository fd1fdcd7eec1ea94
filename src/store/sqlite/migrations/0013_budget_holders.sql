ALTER TABLE `budget_wait` ADD `held` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `budget_wait_held` ON `budget_wait` (`task`,`run`) WHERE held > 0;