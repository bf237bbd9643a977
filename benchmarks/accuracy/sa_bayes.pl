# SpamAssassin's Bayes alone, in batch: learns or scores JSON lines from standard input.
#
#   perl sa_bayes.pl DATABASE learn|score < lines
#
# A line is {"id": ..., "text": ..., "spam": true|false}. Each score is printed on a line as
# "id score"; "-" if Bayes has no opinion. No network, no rules, no automatic learning.

use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin;

my ($database, $task) = @ARGV;

my $config = <<"END";
use_bayes 1
bayes_path $database/bayes
bayes_auto_learn 0
bayes_auto_expire 0
bayes_learn_to_journal 0
bayes_min_ham_num 1
bayes_min_spam_num 1
lock_method flock
util_rb_tld com net org info biz io ru de uk fr cn br in id
END

my $filter = Mail::SpamAssassin->new({
    config_text    => "loadplugin Mail::SpamAssassin::Plugin::Bayes\n" . $config,
    local_tests_only => 1,
    dont_copy_prefs  => 1,
    userprefs_filename => "/dev/null",
    userstate_dir => $database,
    home_dir_for_helpers => $database,
});
$filter->init(1);
my ($bayes) = grep { $_->can("scan") } $filter->get_loaded_plugins_list;
die "no Bayes plugin\n" unless $bayes;
my $json = JSON::PP->new->utf8;

sub message {
    my ($row) = @_;
    my $text = $row->{text};
    utf8::encode($text);
    my $raw = "From: reader\@blog.example\nTo: owner\@blog.example\n"
        . "Message-Id: <$row->{id}\@blog.example>\nMIME-Version: 1.0\n"
        . "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n$text\n";
    return $filter->parse($raw, 0);
}

if ($task eq "learn") {
    $filter->init_learner({ no_relay => 1, learn_to_journal => 0, wait_for_lock => 1 });
}
while (my $line = <STDIN>) {
    my $row = $json->decode($line);
    my $mail = message($row);
    if ($task eq "learn") {
        my $status = $filter->learn($mail, undef, $row->{spam} ? 1 : 0, 0);
        $status->finish;
    } else {
        my $status = Mail::SpamAssassin::PerMsgStatus->new($filter, $mail);
        my $score = $bayes->scan($status, $mail);
        print "$row->{id} ", defined $score ? sprintf("%.17g", $score) : "-", "\n";
        $status->finish;
    }
    $mail->finish;
}
if ($task eq "learn") {
    $filter->rebuild_learner_caches({ verbose => 0 });
    $filter->finish_learner;
}
