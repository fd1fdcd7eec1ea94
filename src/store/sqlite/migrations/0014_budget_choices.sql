DROP INDEX `budget_wait_held`;--> statement-breakpoint
ALTER TABLE `budget_wait` ADD `lesser` text;--> statement-breakpoint
CREATE INDEX `budget_wait_holder` ON `budget_wait` (`task`,`run`) WHERE held > 0 or (open = 1 and call = '');--> statement-breakpoint
INSERT INTO `run_tag` (`run`, `tag`) SELECT `key`, substr(`id`, 1, instr(substr(`id`, 8), ':') + 6) FROM `run` WHERE `id` LIKE 'budget:%';--> statement-breakpoint
UPDATE `run` SET `tags` = json_array(substr(`id`, 1, instr(substr(`id`, 8), ':') + 6)) WHERE `id` LIKE 'budget:%';
