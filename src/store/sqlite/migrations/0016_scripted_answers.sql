-- What was asked with --demo, or reads like it: before this answers of scripts had the keys of real ones, and served real runs. Nobody paid for them.
DELETE FROM `answer` WHERE instr(`tags`, '"scripted-models"') > 0 OR instr(coalesce(`value`, ''), '[scripted]') > 0;--> statement-breakpoint
-- What had its answer from one of those: a vector of the script said that they are alike.
DELETE FROM `answer` WHERE `similar_to` IS NOT NULL AND NOT EXISTS (SELECT 1 FROM `answer` o WHERE o.`tenant` = `answer`.`tenant` AND o.`hash` = `answer`.`similar_to`);--> statement-breakpoint
-- No foreign key is looked after while the schema is brought up to date.
DELETE FROM `vector` WHERE `answer` NOT IN (SELECT `key` FROM `answer`);--> statement-breakpoint
DELETE FROM `vector_values` WHERE `key` NOT IN (SELECT `key` FROM `vector`);--> statement-breakpoint
UPDATE `answer_size` SET `entries` = (SELECT count(*) FROM `answer` a WHERE a.`tenant` = `answer_size`.`tenant`), `bytes` = (SELECT coalesce(sum(a.`bytes`), 0) FROM `answer` a WHERE a.`tenant` = `answer_size`.`tenant`);
