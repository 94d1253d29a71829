DROP TRIGGER IF EXISTS line_months_need_a_limit;
