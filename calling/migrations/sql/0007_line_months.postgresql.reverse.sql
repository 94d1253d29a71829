DROP TRIGGER IF EXISTS line_months_need_a_limit ON calling_line;
DROP FUNCTION IF EXISTS calling_forget_line_months();
