function line_of_sight_velocity(tree, out)
% Velocities of a finished tree without DEM error and orbital ramps, in the words of the method:
% take what scla2 says of the DEM off the unwrapped phase, take a plane off every interferogram,
% refer it to the mean of all points, fit a line through time with the noise of the interferograms
% as weights. Positive towards the satellite, mm/yr, one number a line.
points = load(fullfile(tree, 'ps2.mat'));
phase = double(load(fullfile(tree, 'phuw2.mat')).ph_uw);
phase = phase - double(load(fullfile(tree, 'scla2.mat')).ph_scla);
noise = double(load(fullfile(tree, 'ifgstd2.mat')).ifg_std(:)) * pi / 180;
parms = load(fullfile(tree, 'parms.mat'));

used = setdiff(1:points.n_ifg, [points.master_ix, parms.drop_ifg_index(:)']);
phase = phase(:, used);
plane = [double(points.xy(:, 2:3)) / 1000, ones(points.n_ps, 1)];
phase = phase - plane * (plane \ phase);
phase = phase - mean(phase, 1);

days = points.day(used) - points.day(points.master_ix);
design = [ones(numel(used), 1), days(:)];
weight = diag(1 ./ noise(used) .^ 2);
fit = (design' * weight * design) \ (design' * weight * phase');
velocity = -fit(2, :)' * 365.25 * parms.lambda * 1000 / (4 * pi);
file = fopen(out, 'w');
fprintf(file, '%.9g\n', velocity);
fclose(file);
end
