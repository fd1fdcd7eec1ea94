CREATE TABLE `growth_list` (
	`run` integer NOT NULL,
	`task` text NOT NULL,
	`list` text NOT NULL,
	`at` integer NOT NULL,
	`name` text NOT NULL,
	`hard` integer NOT NULL,
	PRIMARY KEY(`run`, `task`, `list`, `at`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `growth_list` SELECT g.`run`, g.`task`, 'child', e.`key`, e.`value`, 0 FROM `growth` g, json_each(g.`detail`, '$.children') e;--> statement-breakpoint
INSERT INTO `growth_list` SELECT g.`run`, g.`task`, 'dependent', e.`key`, json_extract(e.`value`, '$.name'), json_extract(e.`value`, '$.hard') FROM `growth` g, json_each(g.`detail`, '$.dependents') e;--> statement-breakpoint
INSERT INTO `growth_list` SELECT g.`run`, g.`task`, 'turn', e.`key`, e.`value`, 0 FROM `growth` g, json_each(g.`detail`, '$.lane.queue') e;--> statement-breakpoint
UPDATE `growth` SET `detail` = json_replace(`detail`,
	'$.children', json_array_length(`detail`, '$.children'),
	'$.dependents', json_array_length(`detail`, '$.dependents'),
	'$.lane', json_object('active', json_array_length(`detail`, '$.lane.active'), 'next', 0, 'end', json_array_length(`detail`, '$.lane.queue'))
) WHERE `detail` IS NOT NULL;
