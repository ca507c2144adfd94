function stamps_velocity(stamps, tree, out)
% What StaMPS' own plotting makes of a finished tree: the values of ps_plot('v-do'), not drawn.
addpath(genpath(fullfile(stamps, 'matlab')));
cd(tree);
ps_plot('v-do', -1);
values = load('ps_plot_v-do.mat');
file = fopen(out, 'w');
fprintf(file, '%.9g\n', double(values.ph_disp(:, 1)));
fclose(file);
end
